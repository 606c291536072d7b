import { clangFormat, prettier } from './support/style.mjs';

process.exitCode = prettier({ check: false }) || clangFormat({ check: false });
