"""IAM Access Analyzer at work: analyzers look at resources and keep findings about them.

reconciler   has each analyzer look at what has changed, and at everything once a day
scanning     one analyzer: which resources are to be looked at, and what becomes of its findings
resources    the resources of an account: by the lists of their services, and by their ARNs
"""
