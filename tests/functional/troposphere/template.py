"""A template by troposphere: a role, its profile, and a queue that the role may send to."""

from awacs.aws import Allow, PolicyDocument, Principal, Statement
from awacs.sqs import SendMessage
from awacs.sts import AssumeRole
from troposphere import GetAtt, Output, Parameter, Ref, Template
from troposphere.iam import InstanceProfile, Policy, Role
from troposphere.sqs import Queue

template = Template()
stage = template.add_parameter(Parameter("Stage", Type="String"))
queue = template.add_resource(Queue("Queue", VisibilityTimeout=60))
may = PolicyDocument(
    Version="2012-10-17", Statement=[Statement(Effect=Allow, Action=[SendMessage], Resource=[GetAtt(queue, "Arn")])]
)
trust = PolicyDocument(
    Version="2012-10-17",
    Statement=[Statement(Effect=Allow, Action=[AssumeRole], Principal=Principal("Service", ["ec2.amazonaws.com"]))],
)
role = template.add_resource(
    Role(
        "Role",
        AssumeRolePolicyDocument=trust,
        Path="/servers/",
        Policies=[Policy(PolicyName="send", PolicyDocument=may)],
    )
)
template.add_resource(InstanceProfile("Profile", Roles=[Ref(role)]))
template.add_output(Output("Role", Value=Ref(role)))
template.add_output(Output("Stage", Value=Ref(stage)))
print(template.to_json())
