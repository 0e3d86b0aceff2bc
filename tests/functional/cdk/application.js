// An application in two stacks: what is kept, and what uses it by cross-stack references.
const path = require('path');
const cdk = require('aws-cdk-lib');
const {
  aws_dynamodb: dynamodb, aws_ec2: ec2, aws_iam: iam, aws_lambda: lambda, aws_s3: s3, aws_s3_assets: assets,
  aws_sns: sns, aws_sns_subscriptions: subscriptions, aws_sqs: sqs, custom_resources: resources,
} = cdk;

const CODE = path.join(__dirname, 'code');
// The function of SAM's application, too: it uses its table, and tells who it is.
const WHO = path.join(__dirname, '..', 'sam', 'src');
const runs = (handler, folder) => ({
  runtime: lambda.Runtime.PYTHON_3_11, timeout: cdk.Duration.seconds(30), handler, code: lambda.Code.fromAsset(folder),
});
const GONE = { removalPolicy: cdk.RemovalPolicy.DESTROY };

class Kept extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    this.store = new s3.Bucket(this, 'Store', { ...GONE, autoDeleteObjects: true, enforceSSL: true });
    this.table = new dynamodb.Table(this, 'Table', {
      ...GONE, partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
    });
    const queue = new sqs.Queue(this, 'Queue', { visibilityTimeout: cdk.Duration.seconds(300) });
    new sns.Topic(this, 'Topic').addSubscription(new subscriptions.SqsSubscription(queue));
  }
}

class Application extends cdk.Stack {
  constructor(scope, id, { kept, ...props }) {
    super(scope, id, props);
    const handler = new lambda.Function(this, 'Function', {
      ...runs('app.handler', WHO), environment: { TABLE: kept.table.tableName },
    });
    kept.table.grantReadWriteData(handler);
    new assets.Asset(this, 'File', { path: path.join(CODE, 'index.py') }).grantRead(handler);

    const role = new iam.Role(this, 'ServerRole', {
      roleName: this.node.tryGetContext('role'), assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    });
    kept.store.grantRead(role);
    const server = new ec2.Instance(this, 'Server', {
      role,
      vpc: ec2.Vpc.fromLookup(this, 'Vpc', { isDefault: true }),
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      instanceType: new ec2.InstanceType('t3.micro'),
      machineImage: ec2.MachineImage.genericLinux({ 'us-east-1': 'ami-12c6146b' }),
    });

    // A provider of CDK's framework (in Node.js) around a function in Python, and a call of an SDK.
    const onEvent = new lambda.Function(this, 'OnEvent', runs('provider.handler', CODE));
    const provider = new resources.Provider(this, 'Provider', { onEventHandler: onEvent });
    const greeting = new cdk.CustomResource(this, 'Greeting', {
      serviceToken: provider.serviceToken, properties: { Name: 'World' },
    });
    const identity = new resources.AwsCustomResource(this, 'Identity', {
      onUpdate: {
        service: 'STS', action: 'getCallerIdentity',
        physicalResourceId: resources.PhysicalResourceId.of('identity'),
      },
      installLatestAwsSdk: false,
      policy: resources.AwsCustomResourcePolicy.fromSdkCalls({
        resources: resources.AwsCustomResourcePolicy.ANY_RESOURCE,
      }),
    });

    const outputs = {
      Store: kept.store.bucketName,
      Function: handler.functionName,
      FunctionRole: handler.role.roleName,
      Server: server.instanceId,
      ServerRole: role.roleName,
      Greeting: greeting.getAttString('Text'),
      Account: identity.getResponseField('Account'),
    };
    for (const [name, value] of Object.entries(outputs)) {
      new cdk.CfnOutput(this, `${name}Output`, { value }).overrideLogicalId(name);
    }
  }
}

const app = new cdk.App();
const env = { account: '000000000000', region: 'us-east-1' };
const kept = new Kept(app, 'Kept', { env });
new Application(app, 'Application', { env, kept });
