"""Errors: what they say, and what the caller does about them."""

import copy
import pickle

import pytest

from pullpush_dagster import errors


def test_the_message_is_the_class_docstring_unless_one_is_given():
    assert str(errors.AuthError()) == "The platform refused the credentials."
    assert str(errors.AuthError("no")) == "no"


def test_what_an_error_is_about_is_appended():
    error = errors.RejectError("no", connection="shop", key="A-1")
    assert str(error) == "no (connection=shop, key=A-1)"
    assert error.where == {"connection": "shop", "key": "A-1"}


def test_more_of_what_an_error_is_about_can_be_said_later():
    error = errors.RejectError("no", key="A-1")
    error.add_where(connection="shop", key="another")
    assert str(error) == "no (connection=shop, key=A-1)"


def test_what_is_not_known_is_left_out():
    assert str(errors.RejectError("no", connection=None)) == "no"


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        (errors.NoScopeError, errors.ConfigError),
        (errors.RateLimitError, errors.RetryError),
        (errors.UnavailableError, errors.RetryError),
        (errors.DownError, errors.RetryError),
        (errors.AuthError, errors.HaltError),
        (errors.ForbiddenError, errors.HaltError),
        (errors.GuardError, errors.HaltError),
        (errors.UnconfirmedError, errors.HaltError),
        (errors.StoreBusyError, errors.HaltError),
    ],
)
def test_the_second_level_says_what_the_caller_does(kind, family):
    assert issubclass(kind, family)
    assert family.__base__ is errors.PullPushError


def test_every_error_explains_itself():
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert all(kind.__doc__ for kind in classes)


def test_a_request_without_answer_counts_as_sent_unless_it_certainly_was_not():
    assert errors.UnavailableError().sent
    assert not errors.UnavailableError(sent=False).sent


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_survives_the_way_between_processes(again):
    error = again(errors.RateLimitError("slower", retry_after=7.0, connection="shop"))
    assert str(error) == "slower (connection=shop)"
    assert error.retry_after == 7.0
