"""The form at the door, where it differs from allauth's."""

from allauth.account.forms import LoginForm as AllauthLoginForm


class LoginForm(AllauthLoginForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        # For password managers a name or an address to sign in with is a user name.
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autocapitalize": "none"}
