"""IAM Access Analyzer at work: analyzers look at resources and keep findings about them.

reconciler   has each analyzer look at what has changed, and at everything once a day
scanning     one analyzer: which resources are to be looked at
external     the analysis of access from outside: what the policy that is `kept` lets others do; whether there are
             `restrictions` by resource control policies is told
internal     the analysis of access within an account or organization, with `internal_findings` and `internal_memory`
unused       the analysis of unused access: what of users and roles nobody uses
upkeep       what becomes of an analyzer's findings
resources    the resources of an account: by the lists of their services, in which role, and by their ARNs
previews     access previews: what would be found, in `previewing`, of what is proposed (`proposals`)
jobs         the policies that are generated from recorded calls, in `generating`, and what is recommended about
             findings, in `recommending`: each is a `job`
"""
