// Calls that never stop, by clients that are made once, with what the SDK's default chain finds. One line a call:
// the access key id that it was signed with, then "ok" or the error. Ends when its standard input does.

import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const [bucket, key] = process.argv.slice(2);
const sts = new STSClient({ maxAttempts: 1 });
const s3 = new S3Client({ maxAttempts: 1 });
let keyId = "";
for (const client of [sts, s3]) {
  client.middlewareStack.add(
    (next) => (args) => {
      keyId = /Credential=(\w+)/.exec(args.request.headers.authorization)[1];
      return next(args);
    },
    { step: "finalizeRequest", priority: "low" },
  );
}

async function outcome(call) {
  try {
    await call();
    return "ok";
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

let going = true;
process.stdin.on("end", () => (going = false)).resume();
process.stdout.on("error", () => process.exit(0));
while (going) {
  const identity = await outcome(() => sts.send(new GetCallerIdentityCommand({})));
  console.log(`${keyId} ${identity}`);
  const object = await outcome(async () => {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    await answer.Body.transformToString();
  });
  console.log(`${keyId} ${object}`);
}
process.exit(0);
