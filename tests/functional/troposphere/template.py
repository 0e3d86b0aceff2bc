"""A template by troposphere: a role, its profile, and a queue that the role may send to."""

import sys

from troposphere import GetAtt, Output, Parameter, Ref, Template
from troposphere.iam import InstanceProfile, Policy, Role
from troposphere.sqs import Queue


def document(**statement: object) -> dict[str, object]:
    """A policy document that allows one thing."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


template = Template()
template.set_description("An application")
stage = template.add_parameter(Parameter("Stage", Type="String"))
queue = template.add_resource(Queue("Queue", VisibilityTimeout=60))
may = document(Action="sqs:SendMessage", Resource=GetAtt(queue, "Arn"))
trust = document(Action="sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
policies = [Policy(PolicyName="send", PolicyDocument=may)]
role = template.add_resource(Role("Role", AssumeRolePolicyDocument=trust, Path="/servers/", Policies=policies))
profile = template.add_resource(InstanceProfile("Profile", Roles=[Ref(role)]))
template.add_output(Output("Role", Value=Ref(role)))
template.add_output(Output("Profile", Value=GetAtt(profile, "Arn")))
template.add_output(Output("Queue", Value=Ref(queue)))
template.add_output(Output("Stage", Value=Ref(stage)))
sys.stdout.write(template.to_yaml())
