// An application that knows nothing of where it runs: who it is, what is in one bucket, what it is told of another.
//     node app.mjs BUCKET OTHER       or, as a Lambda function, `told` with the two

import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

export async function told(bucket, other) {
  const s3 = new S3Client({ maxAttempts: 1 });
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const keys = Contents.map((found) => found.Key).join(",");
  const { Arn } = await new STSClient({ maxAttempts: 1 }).send(new GetCallerIdentityCommand({}));
  try {
    await s3.send(new ListObjectsV2Command({ Bucket: other }));
  } catch (error) {
    return [Arn, keys, error.name];
  }
  return ["nobody refused"];
}

if (process.argv[1].endsWith("app.mjs")) {
  console.log((await told(process.argv[2], process.argv[3])).join("\n"));
}
