// LanceDB's side of the comparison; see README.md beside it. Prints one line of JSON for each thing measured.
import * as lancedb from "@lancedb/lancedb";
import * as arrow from "apache-arrow";
import { openSync, readSync, closeSync, statSync } from "node:fs";

const [action, table, ...rest] = process.argv.slice(2);
const options = Object.fromEntries(rest.map(argument => argument.split("=")));
const endpoint = options.endpoint ?? process.env.VECTORENGINE_S3_ENDPOINT;

const print = line => console.log(JSON.stringify(line));
const number = (name, fallback) => Number(options[name] ?? fallback);
const milliseconds = since => Math.round((performance.now() - since) * 10) / 10;

/** Rows [first, first + count) of an .fvecs or .ivecs file, without their widths, as one typed array. */
function readRows(path, first, count, Type) {
    const file = openSync(path);
    const header = Buffer.alloc(4);
    readSync(file, header, 0, 4, 0);
    const width = header.readInt32LE();
    const rowBytes = 4 + 4 * width;
    const rows = Math.min(count, statSync(path).size / rowBytes - first);
    const values = new Type(rows * width);
    const block = Buffer.alloc(rowBytes * 4096);
    for (let row = 0; row < rows; row += 4096) {
        const inBlock = Math.min(4096, rows - row);
        readSync(file, block, 0, inBlock * rowBytes, (first + row) * rowBytes);
        for (let i = 0; i < inBlock; i++)
            values.set(new Type(block.buffer, block.byteOffset + i * rowBytes + 4, width), (row + i) * width);
    }
    closeSync(file);
    return { values, width, rows };
}

function toTable({ values, width, rows }, first) {
    const child = new arrow.Field("item", new arrow.Float32(), true);
    const list = arrow.makeData({
        type: new arrow.FixedSizeList(width, child),
        length: rows,
        nullCount: 0,
        child: arrow.makeData({ type: new arrow.Float32(), length: values.length, nullCount: 0, data: values }),
    });
    const ids = Int32Array.from({ length: rows }, (_, i) => first + i);
    const id = arrow.makeData({ type: new arrow.Int32(), length: rows, nullCount: 0, data: ids });
    return new arrow.Table({ id: arrow.makeVector(id), vector: arrow.makeVector(list) });
}

const connect = () => lancedb.connect(`s3://${options.bucket ?? "peers"}/lance`, {
    storageOptions: {
        endpoint,
        allowHttp: "true",
        awsAccessKeyId: process.env.AWS_ACCESS_KEY_ID,
        awsSecretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
        region: process.env.AWS_REGION ?? "us-east-1",
    },
});

async function load() {
    const start = performance.now();
    const database = await connect();
    const rowsPerFragment = number("fragment", 250_000);
    let loaded = null;
    for (let first = 0; ; first += rowsPerFragment) {
        const { size } = statSync(options.base);
        const rows = readRows(options.base, first, rowsPerFragment, Float32Array);
        const data = toTable(rows, first);
        if (loaded === null)
            loaded = await database.createTable(table, data, { mode: "overwrite" });
        else
            await loaded.add(data);
        if ((first + rows.rows) * (4 + 4 * rows.width) >= size)
            break;
    }
    print({ action, table, rows: await loaded.countRows(), ms: milliseconds(start) });
}

async function index() {
    const start = performance.now();
    const opened = await (await connect()).openTable(table);
    const shared = {
        distanceType: "l2",
        numPartitions: number("partitions", 1000),
        maxIterations: number("iterations", 50),
        sampleRate: number("sample", 256),
    };
    const config = options.kind === "rq"
        ? lancedb.Index.ivfRq({ ...shared, numBits: number("bits", 1) })
        : lancedb.Index.ivfPq({ ...shared, numSubVectors: number("subvectors", 96), numBits: number("bits", 8) });
    await opened.createIndex("vector", { config, replace: true, waitTimeoutSeconds: 3600 });
    print({ action, table, kind: options.kind, ...shared, ms: milliseconds(start), indices: await opened.listIndices() });
}

/** The rows nearest to a query, by their row ids alone: no column is read for them. */
async function search(opened, query) {
    let chain = opened.query().nearestTo(query).column("vector").distanceType("l2").nprobes(number("nprobes", 30)).limit(10);
    if (options.refine)
        chain = chain.refineFactor(Number(options.refine));
    const ids = (await chain.withRowId().select(["_distance"]).toArrow()).getChild("_rowid").toArray();
    return Array.from(ids, id => Number(id >> 32n) * number("fragment", 250_000) + Number(id & 0xffffffffn));
}

async function counters() {
    return options.counters ? await (await fetch(options.counters)).json() : { requests: 0, bytesDown: 0 };
}

/** Measures one step: its time, and what passed the proxy meanwhile. */
async function measure(step, body) {
    const before = await counters();
    const start = performance.now();
    const result = await body();
    const ms = milliseconds(start);
    const after = await counters();
    print({ peer: options.peer ?? table, step, ms, requests: after.requests - before.requests, bytes: after.bytesDown - before.bytesDown });
    return result;
}

/** A new process's first query, then the same again, then others. */
async function query() {
    const { values, width } = readRows(options.queries, 0, 1000, Float32Array);
    const first = number("query", 0);
    const row = i => values.slice(i * width, (i + 1) * width);
    let opened;
    await measure("cold", async () => {
        opened = await (await connect()).openTable(table);
        await search(opened, row(first));
    });
    await measure("same", () => search(opened, row(first)));
    for (let i = 1; i <= number("others", 3); i++)
        await measure("other", () => search(opened, row((first + i * 7) % 200)));
    await measure("same", () => search(opened, row(first)));
}

async function recall() {
    const queries = readRows(options.queries, 0, number("count", 100), Float32Array);
    const truth = readRows(options.truth, 0, queries.rows, Int32Array);
    const opened = await (await connect()).openTable(table);
    let found = 0;
    const start = performance.now();
    for (let i = 0; i < queries.rows; i++) {
        const nearest = new Set(truth.values.slice(i * truth.width, i * truth.width + 10));
        for (const id of await search(opened, queries.values.slice(i * queries.width, (i + 1) * queries.width)))
            found += nearest.has(id) ? 1 : 0;
    }
    print({ action, table, ...options, recall: found / (10 * queries.rows), msPerQuery: milliseconds(start) / queries.rows });
}

/** Reads random rows by their numbers. */
async function take() {
    let state = 12345;
    const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
    const offsets = Array.from({ length: number("count", 10_000) }, () => Math.floor(next() * number("rows", 1_000_000)));
    const opened = await (await connect()).openTable(table);
    const batch = number("batch", offsets.length);
    for (const pass of ["first", "again"]) {
        await measure(`take ${pass}`, async () => {
            for (let i = 0; i < offsets.length; i += batch)
                await opened.takeOffsets(offsets.slice(i, i + batch)).select(["vector"]).toArrow();
        });
    }
}

await { load, index, query, recall, take }[action]();
