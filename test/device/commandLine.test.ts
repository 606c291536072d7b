import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiled, cudnnLstm, RunningCommand } from '../support/commandLine.js';
import type { Draft } from '../support/draft.js';
import { evaluateFile, type Evaluated } from '../support/evaluateFile.js';

let folder: string;

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'command-line-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => cudnnLstm(args, { cwd: folder });
const pipe = (input: string, ...args: string[]) => cudnnLstm(args, { cwd: folder, input });
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const small = ['--hidden-size', '8', '--epochs', '2'];

describe
  .skipIf(!existsSync(compiled))
  .each(['textClassification', 'sequenceClassification', 'tagging', 'languageModel', 'forecasting'] as const)(
  'init and train of %s',
  (task) => {
    it('write a config, a program and a model; results on standard output, progress on standard error', () => {
      const init = run('init', task, '--yes', '--task', task, ...small);
      expect(init).toMatchObject({ status: 0 });
      expect(init.stdout.split('\n').slice(0, 2)).toEqual([`${task}/config.json`, `${task}/train.ts`]);

      const train = run('train', `${task}/config.json`, '--threads', '1', '--json');
      expect(train.stderr).toContain('epoch 2/2');
      expect(train.status).toBe(0);
      const result = JSON.parse(train.stdout) as {
        model: string;
        epoch: number;
        history: { loss: number }[];
      };
      expect(result).toMatchObject({ model: `${task}/model.safetensors`, epoch: 2, stopped: 'finished' });
      expect(result.history.map(({ loss }) => Number.isFinite(loss))).toEqual([true, true]);
      expect(result.history[1]!.loss).toBeLessThan(result.history[0]!.loss);
      expect(existsSync(join(folder, task, 'model.safetensors'))).toBe(true);
      expect(readFileSync(join(folder, task, 'history.csv'), 'utf8')).toMatch(/^epoch,loss,/);
    });
  },
);

describe.skipIf(!existsSync(compiled))('init', () => {
  it('replaces nothing, ends with 1, and replaces with --force', () => {
    const again = run('init', 'textClassification', '--yes');
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toContain('config.json: expected no such file, or --force to replace it');
    expect(run('init', 'textClassification', '--yes', '--force', ...small).status).toBe(0);
  });

  it('asks for what no option says, again where an answer is none', () => {
    const answers = '9\n2\nwaves.csv\nmany\n12\n\n';
    const { status, stderr } = pipe(answers, 'init', 'asked');
    expect(status).toBe(0);
    expect(stderr).toContain("no task '9'");
    expect(stderr).toContain("expected a whole number from 1, received 'many'");
    const config = JSON.parse(readFileSync(join(folder, 'asked/config.json'), 'utf8')) as unknown;
    expect(config).toMatchObject({
      $schema: '../node_modules/cudnn-lstm/schema/config.schema.json',
      data: { task: 'sequenceClassification', train: 'waves.csv' },
      model: { layers: [{ hiddenSize: 12 }, {}] },
      training: { epochs: 10 },
    });
  });

  it('writes nothing when its input ends', () => {
    const { status, stderr } = pipe('1\n', 'init', 'ended');
    expect(status).toBe(1);
    expect(stderr).toContain('nothing was written');
    expect(existsSync(join(folder, 'ended'))).toBe(false);
  });
});

describe.skipIf(!existsSync(compiled))('evaluate', () => {
  it('of a model file and labelled data gives what the library gives', async () => {
    const { status, stdout } = run(
      'evaluate',
      'textClassification/model.safetensors',
      'textClassification/texts.csv',
      '--json',
    );
    expect(status).toBe(0);
    const expected: Evaluated = await evaluateFile(join(folder, 'textClassification'), 'texts.csv');
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  it('of a config without test data takes what it validates with, as training did', () => {
    const history = readFileSync(join(folder, 'tagging/history.csv'), 'utf8').trim().split('\n');
    const names = history[0]!.split(',');
    const last = Object.fromEntries(
      history
        .at(-1)!
        .split(',')
        .map((cell, i) => [names[i], Number(cell)]),
    );
    const { stdout } = run('evaluate', 'tagging/config.json', '--threads', '1', '--json');
    expect(JSON.parse(stdout)).toEqual({ loss: last['valLoss'], accuracy: last['valAccuracy'] });
  });

  it('of a forecasting config takes the test part, and gives errors in the units of the file', () => {
    const { stdout } = run('evaluate', 'forecasting/config.json', '--json');
    const { mae, inUnits } = JSON.parse(stdout) as { mae: number; inUnits: { mae: number; rmse: number } };
    // One scaler for the one target: errors in units are its scale times those of scaled values.
    const inspected = JSON.parse(run('inspect', 'forecasting/model.safetensors', '--json').stdout) as {
      model: { seriesColumns: { value: { scaler: { scale: number } } } };
    };
    expect(inUnits.mae).toBeCloseTo(mae * inspected.model.seriesColumns.value.scaler.scale, 5);
    expect(inUnits.rmse).toBeGreaterThanOrEqual(inUnits.mae);
  });
});

describe.skipIf(!existsSync(compiled))('other forms of files', () => {
  const start = (name: string, task: string, change: (config: Draft) => void): void => {
    run('init', name, '--yes', '--task', task, ...small);
    const path = join(folder, name, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Draft;
    change(config);
    writeFileSync(path, JSON.stringify(config));
  };
  const trained = (name: string) => {
    const { status, stderr, stdout } = run('train', `${name}/config.json`, '--json');
    expect(stderr).toContain('epoch 2/2');
    expect(status).toBe(0);
    return stdout;
  };

  it('lines whose columns stand between separators: trained on and evaluated, and predicted a text a line', () => {
    start('lines', 'textClassification', (c) =>
      Object.assign(c['data'], {
        train: 'all.label',
        test: 'all.label',
        columns: ['kind', 'detail', 'text'],
        separator: [':', ' '],
        label: 'kind',
        lowerCase: true,
      }),
    );
    const rows = readFileSync(join(folder, 'lines/texts.csv'), 'utf8').trim().split('\n').slice(1);
    const lines = rows.map((row) => row.split(',')).map(([text, kind]) => `${kind}:x ${text!.toUpperCase()}`);
    write('lines/all.label', `${lines.join('\n')}\n`);
    trained('lines');
    const byConfig = run('evaluate', 'lines/config.json', '--json');
    expect(byConfig.status).toBe(0);
    expect(run('evaluate', 'lines/model.safetensors', 'lines/all.label', '--json').stdout).toBe(
      byConfig.stdout,
    );
    const predicted = pipe('The new train was lovely : so\n', 'predict', 'lines/model.safetensors');
    expect(JSON.parse(predicted.stdout)).toMatchObject({ text: 'The new train was lovely : so' });
    const { experiment } = (
      JSON.parse(run('inspect', 'lines/model.safetensors', '--json').stdout) as {
        model: { metadata: { experiment: object } };
      }
    ).model.metadata;
    expect(experiment).toMatchObject({ separator: [':', ' '], lowerCase: true });
  });

  it('a table with a row a sequence, whose columns are its steps', () => {
    start('wide', 'sequenceClassification', (c) => {
      c['data'] = { task: 'sequenceClassification', train: 'wide.csv', validation: 0.25, channels: 2 };
    });
    const rows = Array.from({ length: 40 }, (_, n) =>
      [
        n % 2 === 0 ? 'up' : 'down',
        ...Array.from({ length: 6 }, (__, t) => (n % 2 === 0 ? t : -t) + n / 40),
      ].join(','),
    );
    write('wide/wide.csv', `label,a1,b1,a2,b2,a3,b3\n${rows.join('\n')}\n`);
    expect(JSON.parse(trained('wide'))).toMatchObject({ epoch: 2 });
    const model = 'wide/model.safetensors';
    expect(run('evaluate', model, 'wide/wide.csv', '--json').status).toBe(0);
    // The label is not needed, and a row without an id is known by its line.
    write('wide/new.csv', 'b1,a1,a2,b2,a3,b3\n1,0,2,3,4,5\n');
    const { stdout } = run('predict', model, 'wide/new.csv', '--to', 'jsonLines');
    expect(JSON.parse(stdout)).toMatchObject({ id: 2, prediction: expect.any(String) as string });
    // By its columns' names, so their order is of no matter.
    write('wide/same.csv', 'a1,b1,a2,b2,a3,b3\n0,1,2,3,4,5\n');
    expect(run('predict', model, 'wide/same.csv', '--to', 'jsonLines').stdout).toBe(stdout);
    write('wide/odd.csv', 'label,a1,b1,a2\nup,1,2,3\ndown,1,2,3\n');
    start('odd', 'sequenceClassification', (c) => {
      c['data'] = { task: 'sequenceClassification', train: '../wide/odd.csv', channels: 2 };
    });
    expect(run('train', 'odd/config.json').stderr).toContain(
      'odd.csv:2: expected columns of numbers in steps of 2, as data.channels says, received 3: a1, b1, a2',
    );
  });

  it('a group, which is no input and stays on one side', () => {
    start('grouped', 'sequenceClassification', (c) => {
      Object.assign(c['data'], { split: 'group', group: 'who', validation: 0.5 });
    });
    const rows = readFileSync(join(folder, 'grouped/sequences.csv'), 'utf8').trim().split('\n');
    const grouped = rows.map(
      (row, i) => `${row},${i === 0 ? 'who' : `person ${Math.floor(Number(row.split(',')[0]) / 2) % 4}`}`,
    );
    write('grouped/sequences.csv', `${grouped.join('\n')}\n`);
    trained('grouped');
    expect(run('inspect', 'grouped/model.safetensors', '--json').stdout).not.toContain('"who"');
    write(
      'grouped/sequences.csv',
      `${[...grouped.slice(0, 2), grouped[2]!.replace('person', 'x'), ...grouped.slice(3)].join('\n')}\n`,
    );
    expect(run('train', 'grouped/config.json').stderr).toMatch(
      /sequences\.csv:3, column 'who': expected 'person \d', as in the sequence's first row, received 'x \d'/,
    );
  });

  it('are written into folders that are made', () => {
    start('folders', 'textClassification', (c) => (c['output'].model = 'a/b/model.safetensors'));
    trained('folders');
    expect(existsSync(join(folder, 'folders/a/b/model.safetensors'))).toBe(true);
  });
});

describe.skipIf(!existsSync(compiled))('predict', () => {
  const model = 'textClassification/model.safetensors';
  const texts = ['the new train was lovely', 'our late garden was broken', ''];

  it('reads CSV and writes CSV, the same by pipe', () => {
    write('plain.csv', `id,text\n${texts.map((text, i) => `${i},"${text}"\n`).join('')}`);
    const file = run('predict', model, 'plain.csv');
    expect(file.status).toBe(0);
    const [header, ...rows] = file.stdout.trim().split('\n');
    expect(header).toBe('id,text,prediction,probability');
    expect(rows.map((row) => row.split(',').slice(0, 2).join())).toEqual(
      texts.map((text, i) => `${i},${text}`),
    );
    for (const row of rows) expect(row.split(',')[2]).toMatch(/^(good|bad)$/);
    const piped = pipe(readFileSync(join(folder, 'plain.csv'), 'utf8'), 'predict', model);
    expect(piped.stdout).toBe(file.stdout);
  });

  it('reads and writes JSON lines, with the probabilities of all classes', () => {
    const input = texts.map((text) => `${JSON.stringify({ text, more: [1] })}\n`).join('');
    const { stdout } = pipe(input, 'predict', model, '-', '--format', 'jsonLines', '--probabilities');
    const results = stdout
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            text: string;
            more: number[];
            prediction: string;
            probability: number;
            probabilities: Record<string, number>;
          },
      );
    expect(results.map(({ text, more }) => ({ text, more }))).toEqual(
      texts.map((text) => ({ text, more: [1] })),
    );
    for (const { prediction, probability, probabilities } of results) {
      expect(Object.keys(probabilities)).toEqual(['bad', 'good']);
      expect(probabilities['bad']! + probabilities['good']!).toBeCloseTo(1, 5);
      expect(probability).toBe(Math.max(...Object.values(probabilities)));
      expect(probabilities[prediction]).toBe(probability);
    }
  });

  it('answers a line of a pipe before the next one comes', async () => {
    const command = new RunningCommand(['predict', model, '--format', 'lines'], { cwd: folder });
    command.write('the small letter was awful\n');
    await command.until('stdout', /"text":"the small letter was awful"/);
    command.write('this green bridge was excellent\n');
    await command.until('stdout', /this green bridge/);
    command.endInput();
    expect(await command.ended()).toMatchObject({ status: 0 });
  });

  it('needs neither config nor data beside the model: one that lies alone says the same', () => {
    mkdirSync(join(folder, 'alone'));
    writeFileSync(join(folder, 'alone/model.safetensors'), readFileSync(join(folder, model)));
    const alone = cudnnLstm(['predict', 'model.safetensors', '../plain.csv'], { cwd: join(folder, 'alone') });
    expect(alone.stdout).toBe(run('predict', model, 'plain.csv').stdout);
  });

  it('gives sequences their scaling: one row a sequence, whatever the order of its rows', () => {
    const rows = readFileSync(join(folder, 'sequenceClassification/sequences.csv'), 'utf8')
      .trim()
      .split('\n');
    const [header, ...steps] = rows;
    const few = steps.slice(0, 60);
    write('few.csv', [header, ...few, ''].join('\n'));
    write(
      'mixed.csv',
      [
        header,
        ...few.toReversed().sort((a, b) => Number(a.split(',')[0]) - Number(b.split(',')[0])),
        '',
      ].join('\n'),
    );
    const [inOrder, mixed] = ['few.csv', 'mixed.csv'].map(
      (name) => run('predict', 'sequenceClassification/model.safetensors', name).stdout,
    );
    expect(inOrder!.trim().split('\n')).toHaveLength(4);
    expect(mixed).toBe(inOrder);
  });

  it('tags tokens, a token a line', () => {
    const { stdout } = pipe('the\nsmall\nriver\n\na\nbridge\n', 'predict', 'tagging/model.safetensors');
    expect(stdout).toMatch(/^the\t\w+\nsmall\t\w+\nriver\t\w+\n\na\t\w+\nbridge\t\w+\n\n$/);
  });

  it('forecasts the steps after the last row, in the units of the file', () => {
    const { stdout } = run('predict', 'forecasting/model.safetensors', 'forecasting/series.csv', '--json');
    const steps = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { step: number; value: number });
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { value } of steps) expect(Math.abs(value - 20)).toBeLessThan(10);
  });
});

describe.skipIf(!existsSync(compiled))('generate', () => {
  it('goes on from a prompt, the same for the same seed, from a pipe too', () => {
    const options = ['--length', '20', '--seed', '3'];
    const given = run('generate', 'languageModel/model.safetensors', '--prompt', 'the ', ...options);
    expect(given.status).toBe(0);
    expect(given.stdout).toMatch(/^the [^]{20}\n$/);
    const piped = pipe('the \n', 'generate', 'languageModel/model.safetensors', '--json', ...options);
    expect(JSON.parse(piped.stdout)).toEqual({ prompt: 'the ', text: given.stdout.slice(4, -1) });
  });

  it('of a model that is none of language ends with 1', () => {
    const { status, stderr } = run('generate', 'forecasting/model.safetensors', '--prompt', 'a');
    expect(stderr).toContain('expected one with a vocabulary');
    expect(status).toBe(1);
  });
});

describe.skipIf(!existsSync(compiled))('inspect', () => {
  it('says what a model file holds, tensors and task among it', () => {
    const { stdout } = run('inspect', 'tagging/model.safetensors');
    expect(stdout).toContain('task         tagging');
    expect(stdout).toContain('classes      adj, det, noun, verb');
    expect(stdout).toMatch(/embedding\.weight +F32 +\[21, 32\]/);
    expect(stdout).toContain('without the optimizer');
    expect(run('inspect', 'tagging/checkpoint.safetensors').stdout).toContain('optimizer included');
  });

  it('reads the safetensors files of others, and refuses what is none', () => {
    const header = JSON.stringify({ a: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] } });
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(
      join(folder, 'foreign.safetensors'),
      Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(4)]),
    );
    const { stdout, status } = run('inspect', 'foreign.safetensors', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ tensors: [{ name: 'a', dtype: 'BF16', shape: [2] }] });
    const none = run('inspect', 'plain.csv');
    expect(none).toMatchObject({ status: 1, stdout: '' });
    expect(none.stderr).toContain('plain.csv: expected a safetensors file');
  });
});

describe.skipIf(!existsSync(compiled))('what cannot be', () => {
  it.each<[string[], string]>([
    [['train'], 'a config file is needed'],
    [['train', 'a.json', 'b.json'], "unexpected argument 'b.json'"],
    [['train', 'a.json', '--epochs', '0'], "--epochs: expected a whole number from 1, received '0'"],
    [['predict'], 'a model file is needed'],
    [['predict', 'm', 'x', '--to', 'xml'], '--to: expected csv | tsv | jsonLines | tokenLines'],
    [['generate', 'm', '--temperature', 'hot'], '--temperature: expected a number from 0'],
    [['init', '--task', 'other', '--yes'], '--task: expected textClassification | '],
    [['inspect', '--all'], "Unknown option '--all'"],
  ])('on the command line ends with 2: %o', (args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toContain(message);
    expect(stderr).toContain('Usage: cudnn-lstm');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  const config = (change: (config: Draft) => void): string => {
    const path = join(folder, 'textClassification/config.json');
    const value = JSON.parse(readFileSync(path, 'utf8')) as Draft;
    change(value);
    writeFileSync(join(folder, 'textClassification/changed.json'), JSON.stringify(value));
    return 'textClassification/changed.json';
  };

  it.each<[string, (config: Draft) => void]>([
    [
      "changed.json: $.training: no setting 'epoch'; did you mean 'epochs'?",
      (c) => (c['training'] = { epoch: 1 }),
    ],
    ['changed.json: $.version: expected at most 1', (c) => (c['version'] = 99)],
    [
      'changed.json: $.model.layers[3].units: expected 2 for 2 classes, or none, received 7',
      (c) => (c['model'].layers[3].units = 7),
    ],
    [
      "changed.json: $.training.loss: expected 'crossEntropy' | 'binaryCrossEntropy' for 2 classes, received 'mse'",
      (c) => (c['training'].loss = 'mse'),
    ],
    [
      "changed.json: $.training.metrics: expected a loss that 'mae' can be measured with",
      (c) => (c['training'] = { metrics: ['mae'] }),
    ],
    [
      'changed.json: $.output.history: expected a path in a folder that is there or can be made',
      (c) => (c['output'].history = 'texts.csv/history.csv'),
    ],
    [
      'textClassification/none.csv: expected a source that can be read',
      (c) => (c['data'].train = 'none.csv'),
    ],
    [
      "texts.csv:2: expected a column 'texts', received text, label (did you mean 'text'?)",
      (c) => (c['data'].text = 'texts'),
    ],
  ])('in a config or its data ends with 1, naming file and place: %s', (message, change) => {
    const { status, stdout, stderr } = run('train', config(change));
    expect(stderr).toContain(message);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });

  it('in JSON is named by line and column', () => {
    write('broken.json', '{\n  "version": 1,\n  "data" {}\n}\n');
    const { status, stderr } = run('train', 'broken.json');
    expect(stderr).toMatch(/broken\.json: line 3, column 10: expected JSON/);
    expect(status).toBe(1);
  });

  it('in a CSV file is named by line and column', () => {
    const rows = readFileSync(join(folder, 'sequenceClassification/sequences.csv'), 'utf8').split('\n');
    rows[16] = rows[16]!.replace(/,[^,]*,(\w+)$/, ',n/a,$1');
    write('bad.csv', rows.join('\n'));
    const { status, stderr } = run('evaluate', 'sequenceClassification/model.safetensors', 'bad.csv');
    expect(stderr).toContain("bad.csv:17, column 'value': expected a finite number, received 'n/a'");
    expect(status).toBe(1);
  });

  it.each<[string, (lines: string[]) => void, (config: Draft) => void]>([
    [
      "table.csv:7, column 'value': expected a number, the rule",
      (l) => (l[6] = l[6]!.replace(/,.*/, ',')),
      () => {},
    ],
    [
      "table.csv:7, column 'value': expected a finite number, received 'x'",
      (l) => (l[6] = l[6]!.replace(/,.*/, ',x')),
      () => {},
    ],
    [
      "table.csv:7, column 'time': expected a time such as",
      (l) => (l[6] = l[6]!.replace(/^.*,/, 'noon,')),
      () => {},
    ],
    ["table.csv:7, column 'time': expected times that rise", (l) => (l[6] = l[5]!), () => {}],
    ['table.csv: expected at least one row, received none', (l) => l.splice(1), () => {}],
    ['table.csv: table: expected a window of 900 steps back', () => {}, (c) => (c['data'].lookBack = 900)],
  ])('in a series is named by file, line and column: %s', (message, edit, change) => {
    const lines = readFileSync(join(folder, 'forecasting/series.csv'), 'utf8').trim().split('\n');
    edit(lines);
    write('forecasting/table.csv', `${lines.join('\n')}\n`);
    const value = JSON.parse(readFileSync(join(folder, 'forecasting/config.json'), 'utf8')) as Draft;
    value['data'].train = 'table.csv';
    change(value);
    write('forecasting/changed.json', JSON.stringify(value));
    const { status, stderr } = run('train', 'forecasting/changed.json');
    expect(stderr).toContain(`cudnn-lstm: forecasting/${message}`);
    expect(status).toBe(1);
  });

  it('in files to write is said without a trace, before anything is computed', () => {
    const model = 'textClassification/model.safetensors';
    const texts = 'textClassification/texts.csv';
    const predict = run('predict', model, texts, '--output', 'textClassification');
    expect(predict).toMatchObject({ status: 1, stdout: '' });
    expect(predict.stderr).toMatch(/^cudnn-lstm: EISDIR: .*\n$/);
    const report = run('train', 'textClassification/config.json', '--report', texts);
    expect(report.stderr).toContain('--report: expected a path in a folder that is there or can be made');
    expect(report.stderr).not.toContain('epoch');
  });

  it('of a file to evaluate on that has no examples is named', () => {
    write('none.csv', 'text,label\n');
    expect(run('evaluate', 'textClassification/model.safetensors', 'none.csv').stderr).toContain(
      'none.csv: expected at least one example, received none',
    );
  });

  it('of a class that was not trained on is named with the classes that were', () => {
    write('other.csv', 'text,label\nfine,goood\n');
    const { stderr } = run('evaluate', 'textClassification/model.safetensors', 'other.csv');
    expect(stderr).toContain(
      "other.csv:2: expected one of bad, good that were trained on, received 'goood' (did you mean 'good'?)",
    );
  });
});

describe.skipIf(!existsSync(compiled))('tune', () => {
  it('stores trials, writes the best config, and trains with it to the same value', () => {
    const path = join(folder, 'textClassification/config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const space = { 'training.optimizer.learningRate': [0.001, 0.02], 'model.layers[1].hiddenSize': [4, 6] };
    writeFileSync(path, JSON.stringify({ ...config, search: { method: 'grid', space, concurrency: 2 } }));
    const tuned = cudnnLstm(['tune', 'textClassification/config.json', '--json'], {
      cwd: folder,
    });
    expect(tuned).toMatchObject({ status: 0 });
    const { best } = JSON.parse(tuned.stdout) as { best: { value: number; values: Record<string, number> } };
    expect(tuned.stderr.match(/^trial \d/gm)).toHaveLength(4);
    const csv = readFileSync(join(folder, 'textClassification/search/trials.csv'), 'utf8').trim().split('\n');
    expect(csv).toHaveLength(5);
    expect(csv[0]).toContain('training.optimizer.learningRate,model.layers[1].hiddenSize');

    const trained = run('train', 'textClassification/best.json', '--json', '--threads', '1');
    expect((JSON.parse(trained.stdout) as { valLoss: number }).valLoss).toBe(best.value);

    // All trials are stored: nothing is trained again.
    const again = cudnnLstm(['tune', 'textClassification/config.json', '--json'], {
      cwd: folder,
    });
    expect(JSON.parse(again.stdout)).toEqual(JSON.parse(tuned.stdout));
  });

  it('refuses places and values that the config cannot have, before any trial', () => {
    const path = join(folder, 'textClassification/config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const tune = (space: object, more: object = {}) => {
      writeFileSync(
        join(folder, 'textClassification/space.json'),
        JSON.stringify({ ...config, search: { space, ...more } }),
      );
      return run('tune', 'textClassification/space.json').stderr;
    };
    expect(tune({ 'training.optimizer.learningRat': [1] })).toContain(
      "space.json: $.training.optimizer: no setting 'learningRat'; did you mean 'learningRate'?",
    );
    expect(tune({ 'model.layers[9].hiddenSize': [1] })).toContain('expected a list with a place 9');
    expect(tune({ 'model.layers[1].hiddenSize': { kind: 'uniform', low: 1.5, high: 4 } })).toContain(
      '$.model.layers[1].hiddenSize: expected a whole number from 1',
    );
    expect(tune({ training: { epochs: [1, 2] } })).toContain(
      "$.search.space['training']: expected a list of values, or a distribution such as",
    );
    expect(tune({ 'training.epochs': { kind: 'integer', low: 1, high: 2 } }, { method: 'grid' })).toContain(
      '$.search.space.training.epochs: expected a list of values, as a grid has',
    );
    const epochs = { 'training.epochs': [1, 2] };
    expect(tune(epochs, { method: 'asha', minEpochs: 5 })).toContain(
      '$.search.minEpochs: expected at most 2, $.training.epochs, received 5',
    );
    expect(tune(epochs, { monitor: 'valAcuracy' })).toContain(
      "$.search.monitor: 'valAcuracy' needs validation data and, where named, its metric in fit (there is 'valAccuracy')",
    );
  });

  it('of which every trial failed says why, and what to do before trying again', () => {
    const path = join(folder, 'textClassification/config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const space = { 'model.layers[3].units': [5, 6] };
    const search = { method: 'grid', space, folder: 'failed' };
    writeFileSync(join(folder, 'textClassification/failing.json'), JSON.stringify({ ...config, search }));
    const { status, stderr } = run('tune', 'textClassification/failing.json');
    expect(stderr).toContain(
      'all 2 trials failed, the first with: $.model.layers[3].units: expected 2 for 2 classes, or none, received 5; textClassification/failed has them: remove it to try again',
    );
    expect(status).toBe(1);
  });
});
