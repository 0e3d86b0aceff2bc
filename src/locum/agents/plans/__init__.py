"""What a stack, or a Terraform plan, would call, told and decided on before anything is made.

marks        values that are not known before a deployment, and the ARNs that have them
answers      answers made up from the output shapes of service models
rehearsal    the calls of a provider, which is sent such answers
templates    the calls of the resources of a template
terraform    the calls of the resources of a Terraform plan, as far as they can be told
principals   who would make them
deciding     the permissions that they take, and whether who makes them has these
question     the question of `locum plan`, and its answer
"""
