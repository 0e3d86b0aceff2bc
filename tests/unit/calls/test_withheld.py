"""The texts about a call, without what its record withholds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from locum.calls.withheld import Withheld, without_signatures
from locum.wire.redact import HIDDEN

RUN = 10
TEXTS = st.text(alphabet="ab\0", max_size=80)


def runs(text: str) -> set[str]:
    return {text[start : start + RUN] for start in range(len(text) - RUN + 1)}


@given(hidden=st.text(alphabet="ab", min_size=RUN, max_size=60), text=TEXTS)
def test_no_run_of_a_hidden_value_is_left_in_a_text(hidden: str, text: str) -> None:
    cleaned = Withheld(None, {}, {}, [hidden]).clean(text)
    assert not any(runs(part) & runs(hidden) for part in cleaned.split(HIDDEN))


@given(hidden=st.text(alphabet="ab", min_size=RUN, max_size=60), text=TEXTS)
def test_a_text_without_a_run_of_a_hidden_value_stays_as_it_is(hidden: str, text: str) -> None:
    if not runs(text) & runs(hidden):
        assert Withheld(None, {}, {}, [hidden]).clean(text) == text


def test_the_end_of_a_large_body_is_withheld() -> None:
    withheld = Withheld(None, {}, {}, ["x" * (1 << 16) + "secret-of-the-body"])
    assert withheld.clean("the secret-of-the-body is told") == f"the {HIDDEN} is told"


def test_signatures_and_tokens_of_a_url_are_not_in_a_header() -> None:
    url = "https://b/k?X-Amz-Credential=AKIA&X-Amz-Security-Token=st&X-Amz-Signature=ab&mytoken=t&x=token"
    expected = url.replace("=AKIA", f"={HIDDEN}").replace("=st", f"={HIDDEN}").replace("=ab", f"={HIDDEN}")
    assert without_signatures(url) == expected.replace("=t&", f"={HIDDEN}&")


def test_a_header_of_any_length_is_looked_through_once() -> None:
    """And not once from each letter of a long word, which a stranger could send, and which would take hours."""
    assert without_signatures(f"={'a' * 1_000_000}") == f"={'a' * 1_000_000}"


def test_what_every_proposed_statement_has_in_it_is_left_whatever_was_sent() -> None:
    advice = '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}'
    sent = ['{"eventSource": "a.example.com", "secret-of-the-event": 1}', "Allow", "Resource"]
    assert Withheld(None, {}, {}, sent).clean(advice) == advice
    assert "secret" not in Withheld(None, {}, {}, sent).clean('at "secret-of-the-event"')
