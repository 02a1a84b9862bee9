// Runs the steps of the JSON on its standard input with basic-ftp, and prints the result of each as a line of JSON.
// A result is the step's value, or {"error": …} with the reply that refused it.
"use strict";
const fs = require("node:fs");
const { port, user, password, certificate, steps } = JSON.parse(fs.readFileSync(0, "utf8"));
const { Client } = require(process.argv[2]);

const actions = {
    list: async (client, path) => (await client.list(path)).map((entry) => [entry.name, entry.isDirectory]),
    cd: async (client, path) => (await client.cd(path)).code,
    pwd: (client) => client.pwd(),
    ensureDir: (client, path) => client.ensureDir(path),
    size: (client, path) => client.size(path),
    upload: async (client, path) => (await client.uploadFrom(process.argv[1], path)).code,
};

async function main() {
    const client = new Client(20_000);
    const ca = fs.readFileSync(certificate);
    await client.access({ host: "127.0.0.1", port, user, password, secure: true, secureOptions: { ca } });
    for (const [action, ...rest] of steps) {
        const result = await actions[action](client, ...rest).catch((error) => ({ error: error.message }));
        console.log(JSON.stringify(result ?? null));
    }
    client.close();
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
