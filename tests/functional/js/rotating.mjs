// Calls that never stop, by clients that are made once, with what the SDK's default chain finds. One line for each
// change: the access key id that a call was signed with, then "ok" or the error. Ends when its standard input does.

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

let said = "";
async function tell(call) {
  let outcome = "ok";
  try {
    await call();
  } catch (error) {
    outcome = `${error.name}: ${error.message}`;
  }
  const line = `${keyId} ${outcome}`;
  if (line !== said) {
    console.log(line);
  }
  said = line;
}

let going = true;
process.stdin.on("end", () => (going = false)).resume();
process.stdout.on("error", () => process.exit(0));
while (going) {
  await tell(() => sts.send(new GetCallerIdentityCommand({})));
  await tell(async () => {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    await answer.Body.transformToString();
  });
}
process.exit(0);
