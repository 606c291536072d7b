// Every check that runs no code of ours; goes on after a failing one.
import { clangFormat, importRules, oxlint, prettier, types } from './support/style.mjs';

const statuses = [prettier({ check: true }), clangFormat({ check: true }), oxlint(), importRules(), types()];
process.exitCode = statuses.some((status) => status !== 0) ? 1 : 0;
