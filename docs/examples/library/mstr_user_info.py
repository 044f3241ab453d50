# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_user_info
short_description: Return the user of the session
description: [Asks a Library server who is logged in.]
author: [You (@you)]
extends_documentation_fragment: [mstr.library.auth]
"""

from ansible_collections.mstr.library.plugins.module_utils import auth


def user_info(task, _request):
    return {"changed": False, "user": task.session.get("/sessions/userInfo")}


def main():
    auth.run(auth.argument_spec(), user_info)


if __name__ == "__main__":
    main()
