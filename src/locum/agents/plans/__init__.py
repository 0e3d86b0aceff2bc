"""What a stack, or a Terraform plan, would call, told and decided on before anything is made.

marks            values that are not known before a deployment
arn_forms        the ARNs of what is to be made, by the Service Authorization Reference
answers          answers made up from the output shapes of service models
own              what Locum's own services do with calls
rehearsal        the calls of a provider, which is sent such answers
variations       the changes that an update may make
whole, nested    what of a template comes before its resources; the templates of nested stacks
templates        the calls of the resources of a template
terraform        the permissions of the resources of a Terraform plan
terraform_types  which types these are
parts            what is told of each
principals       who would make the calls
reading          what is read of a plane
deciding         the permissions that the calls take, and whether who makes them has these
question         the question of `locum plan`, and its answer
"""
