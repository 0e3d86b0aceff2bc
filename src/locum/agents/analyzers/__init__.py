"""IAM Access Analyzer at work: analyzers look at resources and keep findings about them.

reconciler   has each analyzer look at what has changed, and at everything once a day
scanning     one analyzer: which resources are to be looked at
external     the analysis of access from outside: what a policy lets others do, of the policy that is `kept` and within
             the `limits` of resource control policies
internal     the analysis of access within an account or organization, with `internal_findings` and `internal_memory`
unused       the analysis of unused access: what of users and roles nobody uses
upkeep       what becomes of an analyzer's findings
resources    the resources of an account: by the lists of their services, in which role, and by their ARNs
previews     access previews: what would be found, in `previewing`, of what is proposed (`proposals`)
jobs         the policies that are generated from recorded calls, in `generating`, and what is recommended about
             findings, in `recommending`
"""
