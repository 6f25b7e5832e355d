"""Running into a rate limit, on a machine of any speed: meanwhile the limit lets a few more through."""


def until_limited(client, path, body, allowed, otherwise=200, at_most=None):
    """POSTs until the answer is 429 and gives that one; the first `allowed` have to be let through. A function as body makes
    a new one each time."""
    for count in range(at_most or 4 * allowed):
        sent = body() if callable(body) else body
        answer = client.post(path, sent)
        if answer.status == 429:
            assert answer.json["code"] == "rate_limited"
            assert count >= allowed, f"POST {path}: limited after {count} instead of {allowed}"
            return answer
        assert answer.status == otherwise, f"POST {path}: {answer!r}"
    raise AssertionError(f"POST {path}: no limit after {count + 1}")
