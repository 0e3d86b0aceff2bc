"""S3's POST forms: authentication by their fields, and the PutObject that they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum import sigv4, wire
from locum.calls import Calls, RequestContext
from locum.core.http import HttpRequest, HttpResponse
from locum.gateway import seen
from locum.gateway.answers import with_request_id
from locum.gateway.authenticate import UNSIGNED, Signer, Signers, check_session, signing_of
from locum.state import State
from locum.store import Ledger

_OPERATION: Final = ("s3", "PutObject")


class Forms:
    """Takes forms, each as the call of PutObject that its signer agreed to in the policy."""

    def __init__(self, calls: Calls, signers: Signers, ledger: Ledger) -> None:
        self._calls = calls
        self._ledger = ledger
        self._signers = signers

    def knows_signer(self, state: State, request: HttpRequest, now: float) -> bool:
        """Whether an existing key signed the policy of a form, of which `request` has the beginning. Raises Fault."""
        fields = wire.read_post_form(request, whole=False).fields
        claim = sigv4.read_form(request, fields)
        if claim is None:
            return False
        sigv4.verify_signature(claim, fields, self._signers.find(state, claim).secret, now)
        return True

    async def handle(self, context: RequestContext) -> HttpResponse:
        """The answer to a form. Raises Fault."""
        codec = context.codec = wire.codec_of(*_OPERATION)
        assert codec is not None
        form = wire.filled(wire.read_post_form(context.request))
        claim = sigv4.read_form(context.request, form.fields)
        request = wire.put_object_request(context.request, form)
        params = codec.parse(request, request.body)
        signer = UNSIGNED
        if claim is not None:
            context.region = claim.scope.region or context.region
            context.signing = signing_of(claim, context.wall)
            signer = self._signer(context, claim, form.fields, params["Bucket"], len(request.body))
            concerned = seen.concerns(self._ledger, context.request)
            if concerned and await seen.caught_up(self._ledger, context, signer, claim):
                signer = self._signer(context, claim, form.fields, params["Bucket"], len(request.body))
        context.request = request
        context.body = request.body
        context.caller = signer.caller
        self._calls.name(context, codec, params)
        answer = await self._calls.take(context)
        assert isinstance(answer, HttpResponse)
        told = wire.answer_to_form(request, form, with_request_id(answer, codec, context.request_id))
        if "origin" in request.headers:
            told.headers += await self._calls.cross_origin.headers(request, params["Bucket"], context.region, "POST")
        return told

    def _signer(
        self, context: RequestContext, claim: sigv4.Claim, fields: Mapping[str, str], bucket: str, size: int
    ) -> Signer:
        """The signer of a form, which is verified. Raises Fault."""
        signer = self._signers.find(context.state, claim)
        sigv4.verify_form(claim, fields, signer.secret, context.wall, bucket=bucket, size=size)
        check_session(signer, claim, context.now)
        return signer
