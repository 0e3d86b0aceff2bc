// The application that the AWS CDK deploys: a queue that hears of a topic, a table, a function that uses it.
const path = require('path');
const cdk = require('aws-cdk-lib');
const { aws_dynamodb: dynamodb, aws_lambda: lambda, aws_sns: sns, aws_sns_subscriptions: subscriptions, aws_sqs: sqs } = cdk;

class Demo extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const queue = new sqs.Queue(this, 'Queue', { visibilityTimeout: cdk.Duration.minutes(5) });
    new sns.Topic(this, 'Topic').addSubscription(new subscriptions.SqsSubscription(queue));
    const table = new dynamodb.Table(this, 'Table', {
      partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    const handler = new lambda.Function(this, 'Function', {
      runtime: lambda.Runtime.PYTHON_3_11,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(path.join(__dirname, 'code')),
      environment: { TABLE: table.tableName },
    });
    table.grantReadWriteData(handler);
    new cdk.CfnOutput(this, 'FunctionName', { value: handler.functionName });
    new cdk.CfnOutput(this, 'TableName', { value: table.tableName });
  }
}

new Demo(new cdk.App(), 'Demo', { env: { account: '000000000000', region: 'us-east-1' } });
