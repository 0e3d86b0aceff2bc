"""Locum's own API, `/_locum/api`: the questions about a plane that no service of AWS answers, as calls of a service.

host        the backend of the service, which has each operation carried out by a module that is loaded with it
plane       what operations are given of the plane, and their turns
records     ListRecords; `long_polls`: waiting for records
details     GetRecord; `statements`: the statements that decided, with their policies
questions   ExplainAccess, DecideAgain, WhoCan, WhatCan
policies    ReplayPolicies, WritePolicy
audits      FindEscalationPaths, GetAudit
scope       what of the plane is the caller's account's
sight       what an account may see of an explanation
"""
