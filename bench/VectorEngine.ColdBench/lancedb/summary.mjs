// Medians and 95th percentiles of the lines of JSON that compare.sh prints: node summary.mjs < FILE
import { readFileSync } from "node:fs";

const groups = new Map();
const add = (key, line) => groups.set(key, [...(groups.get(key) ?? []), line]);
for (const text of readFileSync(0, "utf8").split("\n").filter(text => text.startsWith("{"))) {
    const line = JSON.parse(text);
    const { ms, recall, requests = line.Requests, bytes = line.Bytes } = line;
    add(`${line.peer}: ${line.step}`, { ms, requests, bytes, recall });
    if (line.step !== "cold" || !line.steps)
        continue;
    add(`${line.peer}: cold, open`, { ms: line.open });
    for (const step of line.steps) {
        const name = step.PostingsRescored > 0 ? "exact" : step.PostingsRefined > 0 ? "refined" : "first";
        add(`${line.peer}: cold, ${name} answer`, { ms: step.ms, recall: step.recall, requests: step.Requests, bytes: step.BytesRead });
    }
    add(`${line.peer}: processor time`, { ms: line.processor });
    add("load", { ms: Number(line.load) });
}

const at = (lines, field, share) => {
    const values = lines.map(line => line[field]).filter(value => value !== undefined).sort((x, y) => x - y);
    return values.length === 0 ? "" : values[Math.min(values.length - 1, Math.floor(values.length * share))];
};
const mean = (lines, field) => {
    const values = lines.map(line => line[field]).filter(value => value !== undefined);
    return values.length === 0 ? "" : (values.reduce((x, y) => x + y) / values.length).toFixed(3);
};
console.log("| what | n | ms p50 | ms p95 | requests p50 | bytes p50 | recall |\n|---|---|---|---|---|---|---|");
for (const [key, lines] of groups) {
    console.log(`| ${key} | ${lines.length} | ${at(lines, "ms", 0.5)} | ${at(lines, "ms", 0.95)} | ${
        at(lines, "requests", 0.5)} | ${at(lines, "bytes", 0.5)} | ${mean(lines, "recall")} |`);
}
