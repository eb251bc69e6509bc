// The other side of ArrowInteropTests. VECTORENGINE_ARROW_JS names the folder where package.json, next to this file, is installed.
//   node interop.mjs read <file>          prints a file's contents as JSON
//   node interop.mjs write <file>         writes a file and prints its contents
//   node interop.mjs write-<what> <file>  writes a file of a type that VectorEngine refuses
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const require = createRequire(join(resolve(process.env.VECTORENGINE_ARROW_JS), 'package.json'));
const arrow = require('apache-arrow');

// Every value is null, a string, or an array of strings; floats are the bits of their float64, so that -0 and 0 differ.
function float(value) {
  if (Number.isNaN(value)) return 'NaN';
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

function typeName(type) {
  if (arrow.DataType.isInt(type)) return `${type.isSigned ? 'int' : 'uint'}${type.bitWidth}`;
  if (arrow.DataType.isFloat(type)) return `float${[16, 32, 64][type.precision]}`;
  if (arrow.DataType.isFixedSizeList(type)) return `fixed_size_list<${typeName(type.children[0].type)}>[${type.listSize}]`;
  return String(type).toLowerCase();
}

function valueText(type, value) {
  if (value === null || value === undefined) return null;
  if (arrow.DataType.isFloat(type)) return float(value);
  if (arrow.DataType.isFixedSizeList(type)) return [...value].map((element) => valueText(type.children[0].type, element));
  return String(value);
}

function describe(schema, batches) {
  return {
    fields: schema.fields.map((field) => ({ name: field.name, type: typeName(field.type), nullable: field.nullable })),
    batches: batches.map((batch) => ({
      rows: batch.numRows,
      columns: schema.fields.map((field, i) => {
        const column = batch.getChildAt(i);
        return Array.from({ length: batch.numRows }, (_, row) => valueText(field.type, column.get(row)));
      }),
    })),
  };
}

function read(path) {
  const reader = arrow.RecordBatchReader.from(readFileSync(path)).open();
  // A reader that has come to the end forgets both; and of a file without batches it makes one of its own.
  const { schema, numRecordBatches } = reader;
  return describe(schema, [...reader].slice(0, numRecordBatches));
}

const columns = [
  [new arrow.Bool(), [true, null, false, true]],
  [new arrow.Int8(), [-128, 127, null, 0]],
  [new arrow.Int16(), [-32768, null, 32767, 1]],
  [new arrow.Int32(), [-2147483648, 2147483647, 0, null]],
  [new arrow.Int64(), [-9223372036854775808n, 9223372036854775807n, null, 9007199254740993n]],
  [new arrow.Uint8(), [255, 0, 1, null]],
  [new arrow.Uint16(), [65535, null, 0, 1]],
  [new arrow.Uint32(), [4294967295, 0, null, 1]],
  [new arrow.Uint64(), [18446744073709551615n, 9007199254740993n, null, 0n]],
  [new arrow.Float16(), [0.5, -0, null, 65504]],
  [new arrow.Float32(), [Math.fround(1.1), -0, null, Infinity]],
  [new arrow.Float64(), [Math.PI, null, NaN, -5e-324]],
  [new arrow.Utf8(), ['', null, 'Zürich, 日本語', '👩‍🚀']],
  [list(3, new arrow.Float32()), [[1, 2, 3], null, [-0.5, Infinity, 0], [4, 5, 6]]],
  [list(2, new arrow.Float16()), [[1, -2], [0.25, 65504], [0, 0], [3, 4]]],
];

function list(size, element) {
  return new arrow.FixedSizeList(size, new arrow.Field('item', element, true));
}

function batchOf(schema, count) {
  const children = columns.map(([type, values]) =>
    arrow.vectorFromArray(Array.from({ length: count }, (_, row) => values[row % values.length]), type).data[0]
    ?? arrow.makeData({ type, length: 0, nullCount: 0 }));
  return new arrow.RecordBatch(schema, arrow.makeData({ type: new arrow.Struct(schema.fields), length: count, nullCount: 0, children }));
}

function writeBatches(path, batches) {
  writeFileSync(path, arrow.RecordBatchFileWriter.writeAll(batches).toUint8Array(true));
}

function write(path) {
  const schema = new arrow.Schema(columns.map(([type], i) => new arrow.Field(`${type}-${i}-ü`, type, true)));
  const batches = [4, 0, 1, 37].map((count) => batchOf(schema, count));
  writeBatches(path, batches);
  return describe(schema, batches);
}

function writeTable(path, values, type) {
  writeFileSync(path, arrow.tableToIPC(new arrow.Table({ column: arrow.vectorFromArray(values, type) }), 'file'));
  return {};
}

const commands = {
  read,
  write,
  'write-dictionary': (path) => writeTable(path, ['a', 'b'], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
  'write-timestamp': (path) => writeTable(path, [new Date(0)], new arrow.TimestampMillisecond()),
  'write-large-utf8': (path) => writeTable(path, ['a', 'b'], new arrow.LargeUtf8()),
  'write-list': (path) => writeTable(path, [[1], [2, 3]], new arrow.List(new arrow.Field('item', new arrow.Float32(), true))),
};

const [command, path] = process.argv.slice(2);
console.log(JSON.stringify(commands[command](path)));
