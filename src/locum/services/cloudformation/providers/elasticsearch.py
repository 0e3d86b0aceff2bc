"""Domains of Elasticsearch, as those of OpenSearch are."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.opensearchservice import domains

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Elasticsearch::Domain": domains("es", "Elasticsearch", "ElasticsearchVersion", "ElasticsearchClusterConfig"),
}
