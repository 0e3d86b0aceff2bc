"""Locum's own API, `/_locum/api`: the questions about a plane that no service of AWS answers, as calls of a service.

host        the backend of the service, which has each operation carried out by a module that is loaded with it
scope       what of the plane is the caller's account's, and what may be told of it
records     ListRecords and GetRecord; `long_polls`: waiting for records
"""
