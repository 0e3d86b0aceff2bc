// Who each of the SDK's credential providers makes of us: the profile "careful", whose role wants a code of an MFA
// device; the token file that the environment names; a role that is assumed with another role's credentials.

import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromIni, fromNodeProviderChain, fromTemporaryCredentials, fromTokenFile } from "@aws-sdk/credential-providers";

const { code, first, second } = JSON.parse(process.argv[2]);
const providers = {
  profile: fromIni({ profile: "careful", mfaCodeProvider: async () => code }),
  tokenFile: fromTokenFile(),
  chain: fromNodeProviderChain(),
  temporary: fromTemporaryCredentials({
    masterCredentials: fromTemporaryCredentials({
      masterCredentials: fromIni({ profile: "base" }),
      params: { RoleArn: first, RoleSessionName: "one" },
    }),
    params: { RoleArn: second, RoleSessionName: "two" },
  }),
};
const told = {};
for (const [name, credentials] of Object.entries(providers)) {
  const answer = await new STSClient({ credentials, maxAttempts: 1 }).send(new GetCallerIdentityCommand({}));
  told[name] = answer.Arn;
}
console.log(JSON.stringify(told));
