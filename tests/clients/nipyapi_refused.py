"""What both scripts of nipyapi call things with that have to be refused."""

from nipyapi.registry.rest import ApiException


def refused(status, call, *arguments, **more):
    """Makes a call that has to be refused; answers the text."""
    try:
        call(*arguments, **more)
    except ApiException as error:
        assert error.status == status, (error.status, error.body)
        return error.body if isinstance(error.body, str) else error.body.decode()
    except ValueError as error:
        return str(error)
    raise SystemExit(f"{call} {arguments} was not refused")
