// Microseconds for one decision of @cloud-copilot/iam-simulate's core engine, policies loaded beforehand.
// node iam_simulate.mjs NODE_MODULES DECISION.json
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modules, file] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${modules}/@cloud-copilot/${path}`).href);
const { authorize } = await load('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js');
const { AwsRequestImpl } = await load('iam-simulate/dist/esm/request/request.js');
const { RequestContextImpl } = await load('iam-simulate/dist/esm/requestContext.js');
const { DiscoveryContextKeyConstraints } = await load('iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js');
const { loadPolicy } = await load('iam-policy/dist/esm/index.js');

const { principal, action, resource, account, context, policies } = JSON.parse(readFileSync(file, 'utf8'));
const identityPolicies = policies.map((policy, i) => loadPolicy(policy, { name: `policy-${i}` }));
const decide = () =>
  authorize({
    request: new AwsRequestImpl(principal, { resource, accountId: account }, action, new RequestContextImpl(context)),
    sessionPolicy: undefined,
    identityPolicies,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: undefined,
    permissionBoundaries: undefined,
    vpcEndpointPolicies: undefined,
    simulationParameters: { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) },
  });

if (decide().result !== 'Allowed') throw new Error(`not allowed: ${decide().result}`);
for (let i = 0; i < 2000; i++) decide();
let best = Infinity;
for (let round = 0; round < 7; round++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < 1000; i++) decide();
  best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6);
}
console.log(best);
