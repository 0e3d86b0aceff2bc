// The sample application of `cdk init`: a queue that subscribes to a topic.
const cdk = require('aws-cdk-lib');
const { aws_sns: sns, aws_sns_subscriptions: subscriptions, aws_sqs: sqs } = cdk;

class Sample extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const queue = new sqs.Queue(this, 'Queue', { visibilityTimeout: cdk.Duration.seconds(300) });
    new sns.Topic(this, 'Topic').addSubscription(new subscriptions.SqsSubscription(queue));
  }
}

new Sample(new cdk.App(), 'Sample', { env: { account: process.env.BENCH_ACCOUNT, region: 'us-east-1' } });
