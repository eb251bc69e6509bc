// The other side of ArrowInteropTests. VECTORENGINE_ARROW_JS names the folder where package.json, next to this file, is installed.
//   node interop.mjs read <file>             prints a file's contents as JSON
//   node interop.mjs write <file>            writes a file and prints its contents
//   node interop.mjs write-batches <file>    the same with 2,000 batches
//   node interop.mjs write-delta <file>      the same with a dictionary in several batches
//   node interop.mjs write-others <file>     writes a file that has columns of types that VectorEngine steps over
//   node interop.mjs sum <file>              reads a file of any length, batch by batch, and prints what it adds up to
//   node interop.mjs write-long <file> <n>   writes n batches, one after the other, and prints what they add up to
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { finished } from 'node:stream/promises';

const require = createRequire(join(resolve(process.env.VECTORENGINE_ARROW_JS), 'package.json'));
const arrow = require('apache-arrow');

// Every value is null, a string, or an array of strings; floats are the bits of their float64, so that -0 and 0 differ, byte strings are
// hexadecimal, and points in time are the numbers that are stored.
function float(value) {
  if (Number.isNaN(value)) return 'NaN';
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

const units = ['s', 'ms', 'us', 'ns'];

function typeName(type) {
  const { DataType } = arrow;
  if (DataType.isInt(type)) return `${type.isSigned ? 'int' : 'uint'}${type.bitWidth}`;
  if (DataType.isFloat(type)) return `float${[16, 32, 64][type.precision]}`;
  if (DataType.isLargeUtf8(type)) return 'large_utf8';
  if (DataType.isLargeBinary(type)) return 'large_binary';
  if (DataType.isTimestamp(type)) return `timestamp[${units[type.unit]}${type.timezone ? `, ${type.timezone}` : ''}]`;
  if (DataType.isFixedSizeList(type)) return `fixed_size_list<${typeName(type.children[0].type)}>[${type.listSize}]`;
  if (DataType.isDictionary(type)) return typeName(type.dictionary);
  return String(type).toLowerCase();
}

function valueText(type, value) {
  const { DataType } = arrow;
  if (value === null || value === undefined) return null;
  if (DataType.isFloat(type)) return float(value);
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return Buffer.from(value).toString('hex');
  if (DataType.isFixedSizeList(type)) return [...value].map((element) => valueText(type.children[0].type, element));
  if (DataType.isDictionary(type)) return valueText(type.dictionary, value);
  return String(value);
}

function valueAt(type, column, row) {
  if (!arrow.DataType.isTimestamp(type)) return column.get(row);
  // What get() makes of a point in time are milliseconds, rounded.
  return column.isValid(row) ? column.data[0].values[row] : null;
}

function describe(schema, batches) {
  return {
    fields: schema.fields.map((field) => ({ name: field.name, type: typeName(field.type), nullable: field.nullable })),
    batches: batches.map((batch) => ({
      rows: batch.numRows,
      columns: schema.fields.map((field, i) => {
        const column = batch.getChildAt(i);
        return Array.from({ length: batch.numRows }, (_, row) => valueText(field.type, valueAt(field.type, column, row)));
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
  [list(2, new arrow.Float64()), [[1, -2], null, [Math.PI, -0], [3, 4]]],
  [list(3, new arrow.Int8()), [[1, -128, 127], null, [0, 0, 0], [3, 4, 5]]],
  [list(1, new arrow.Uint8()), [[0], [255], null, [128]]],
  [new arrow.LargeUtf8(), [null, '', 'Ωμέγα', 'a\0b']],
  [new arrow.Binary(), [new Uint8Array([0, 255, 1]), null, new Uint8Array(), new Uint8Array([7])]],
  [new arrow.LargeBinary(), [null, new Uint8Array([1, 2, 3]), new Uint8Array([128]), new Uint8Array()]],
  [new arrow.TimestampSecond(), [0, -86400000, null, 253402300799000]],
  [new arrow.TimestampMillisecond('UTC'), [1, -1, null, 8640000000000000]],
  [new arrow.TimestampMicrosecond('Europe/Zurich'), [1, null, -2, 3]],
  [new arrow.TimestampNanosecond(), [null, 5, -6, 7]],
  [new arrow.Null(), [null]],
  [new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()), ['red', 'grün', null, 'red']],
  [new arrow.Dictionary(new arrow.LargeUtf8(), new arrow.Uint16()), [null, 'a', '日本', 'a']],
  [new arrow.Dictionary(new arrow.Binary(), new arrow.Int32()), [new Uint8Array([1]), null, new Uint8Array([1]), new Uint8Array()]],
];

function list(size, element) {
  return new arrow.FixedSizeList(size, new arrow.Field('item', element, true));
}

function vectorOf([type, values], count) {
  return arrow.vectorFromArray(Array.from({ length: count }, (_, row) => values[row % values.length]), type);
}

function batchOf(schema, children, length) {
  return new arrow.RecordBatch(schema, arrow.makeData({ type: new arrow.Struct(schema.fields), length, nullCount: 0, children }));
}

// Batches of these numbers of rows, which are slices of one table: dictionaries have to be the same for all.
// Slices of large types are not: apache-arrow 18 fails to write them.
function writeSlices(path, columns, counts) {
  const vectors = columns.map((column) => vectorOf(column, counts.reduce((sum, count) => sum + count)));
  const schema = new arrow.Schema(vectors.map((vector, i) => new arrow.Field(`${vector.type}-${i}-ü`, vector.type, true)));
  let start = 0;
  const batches = counts.map((count) => {
    const children = vectors.map((vector, i) => arrow.DataType.isLargeUtf8(vector.type) || arrow.DataType.isLargeBinary(vector.type)
      ? vectorOf(columns[i], count).data[0] ?? arrow.makeData({ type: vector.type, length: 0, nullCount: 0 })
      : vector.data[0].slice(start, count));
    start += count;
    return batchOf(schema, children, count);
  });
  writeFileSync(path, arrow.RecordBatchFileWriter.writeAll(batches).toUint8Array(true));
  return describe(schema, batches);
}

function writeDelta(path) {
  const dictionary = [['a', 'é'], ['c'], ['', 'd']].map((part) => arrow.vectorFromArray(part, new arrow.Utf8()));
  const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32());
  const schema = new arrow.Schema([new arrow.Field('d', type, true)]);
  const data = arrow.makeData({ type, dictionary: dictionary[0].concat(...dictionary.slice(1)), data: new Int32Array([4, 2, 0, 1, 3, 4]) });
  const batches = [batchOf(schema, [data], 6)];
  writeFileSync(path, arrow.RecordBatchFileWriter.writeAll(batches).toUint8Array(true));
  return describe(schema, batches);
}

function writeOthers(path) {
  const number = new arrow.Float32();
  const others = {
    list: [new arrow.List(new arrow.Field('item', number, true)), [[1], null, [2, 3]]],
    nested: [new arrow.List(new arrow.Field('item', list(2, number), true)), [[[1, 2]], [], null]],
    struct: [new arrow.Struct([new arrow.Field('x', number, true), new arrow.Field('y', new arrow.Utf8(), true)]), [{ x: 1, y: 'a' }]],
    map: [new arrow.Map_(new arrow.Field('entries', new arrow.Struct(
      [new arrow.Field('key', new arrow.Utf8(), false), new arrow.Field('value', number, true)]), false)), [new Map([['a', 1]])]],
    date: [new arrow.DateDay(), [new Date(0), null]],
    dictionary: [new arrow.Dictionary(new arrow.Int32(), new arrow.Int8()), [5, 6, null]],
    vector: [list(3, number), [[1, 2, 3], null, [4, 5, 6]]],
    text: [new arrow.Utf8(), ['a', null, 'c']],
  };
  const vectors = Object.fromEntries(Object.entries(others).map(([name, column]) => [name, vectorOf(column, 6)]));
  writeFileSync(path, arrow.tableToIPC(new arrow.Table(vectors), 'file'));
  return {};
}

// A batch of a long file: 4,096 rows whose values follow from their numbers.
const longRows = 4096, longDimensions = 256;

function longBatch(schema, number) {
  const first = number * longRows, vectorType = schema.fields[1].type;
  const ids = BigInt64Array.from({ length: longRows }, (_, i) => BigInt(first + i));
  const values = new Float32Array(longRows * longDimensions).fill(number);
  const elements = arrow.makeData({ type: vectorType.children[0].type, data: values });
  const texts = Array.from({ length: longRows }, (_, i) => `row ${first + i}`);
  return batchOf(schema, [
    arrow.makeData({ type: schema.fields[0].type, data: ids }),
    arrow.makeData({ type: vectorType, length: longRows, nullCount: 0, child: elements }),
    arrow.vectorFromArray(texts, new arrow.Utf8()).data[0],
  ], longRows);
}

function newSum() {
  return { batches: 0, rows: 0, ids: 0n, elements: 0, textLength: 0 };
}

function addTo(sum, batch) {
  const [ids, vectors, texts] = [0, 1, 2].map((i) => batch.getChildAt(i).data[0]);
  sum.batches += 1;
  sum.rows += batch.numRows;
  for (const id of ids.values) sum.ids += id;
  for (const element of vectors.children[0].values) sum.elements += element;
  sum.textLength += texts.valueOffsets[batch.numRows] - texts.valueOffsets[0];
}

function sumText(sum) {
  return Object.fromEntries(Object.entries(sum).map(([name, value]) => [name, String(value)]));
}

async function writeLong(path, count) {
  const schema = new arrow.Schema([
    new arrow.Field('id', new arrow.Int64(), false),
    new arrow.Field('vector', list(longDimensions, new arrow.Float32()), false),
    new arrow.Field('text', new arrow.Utf8(), false),
  ]);
  const sum = newSum();
  async function* batches() {
    for (let i = 0; i < count; i++) {
      const batch = longBatch(schema, i);
      addTo(sum, batch);
      yield batch;
    }
  }
  const output = createWriteStream(path);
  const writer = new arrow.RecordBatchFileWriter();
  const writing = writer.writeAll(batches());
  await finished(writer.toNodeStream().pipe(output));
  await writing;
  return sumText(sum);
}

// A file handle and not the bytes: Node reads at most 2 GiB at once.
async function sumOf(path) {
  const handle = await open(path);
  const sum = newSum();
  const reader = await arrow.RecordBatchReader.from(handle);
  for await (const batch of reader) addTo(sum, batch);
  await handle.close();
  return sumText(sum);
}

const commands = {
  read,
  write: (path) => writeSlices(path, columns, [4, 0, 1, 37]),
  'write-batches': (path) => writeSlices(path, columns, Array.from({ length: 2000 }, (_, i) => i % 4)),
  'write-delta': writeDelta,
  'write-others': writeOthers,
  'write-long': writeLong,
  sum: sumOf,
};

const [command, path, count] = process.argv.slice(2);
console.log(JSON.stringify(await commands[command](path, Number(count))));
