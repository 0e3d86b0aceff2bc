// Carries out calls that are told one a line on its standard input, as JSON, with the clients of the SDK:
// {service, operation, input, credentials}; answers each with one line, {answer} or {error}. Bytes are {"$bytes": base64}.

import * as iam from "@aws-sdk/client-iam";
import * as organizations from "@aws-sdk/client-organizations";
import * as sts from "@aws-sdk/client-sts";
import { createInterface } from "node:readline";

const sdk = {
  iam: [iam, iam.IAMClient],
  organizations: [organizations, organizations.OrganizationsClient],
  sts: [sts, sts.STSClient],
};
const clients = new Map();

function client(service, credentials) {
  const name = `${service} ${credentials.accessKeyId}`;
  if (!clients.has(name)) {
    clients.set(name, new sdk[service][1]({ credentials, maxAttempts: 1 }));
  }
  return clients.get(name);
}

function plain(key, value) {
  const told = this[key];
  return told instanceof Uint8Array ? { $bytes: Buffer.from(told).toString("base64") } : value;
}

async function outcome({ service, operation, input, credentials }) {
  try {
    const command = new sdk[service][0][`${operation}Command`](input);
    const { $metadata, ...answer } = await client(service, credentials).send(command);
    return { answer };
  } catch (error) {
    return { error: { code: error.Code ?? error.name, status: error.$metadata?.httpStatusCode ?? 0, message: error.message } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await outcome(JSON.parse(line)), plain));
}
