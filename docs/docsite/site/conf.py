# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Follows the conf.py of antsibull-docs. Ansible's own documentation is not available offline, so references to it stay
# plain text. tests/plays checks the references to pages of this collection.

intersphinx_mapping = {}
suppress_warnings = ["ref.ref"]
project = html_short_title = title = "mstr.library"
copyright = "mstr.library contributors"
html_static_path = ["_own"]
html_css_files = ["tables.css"]
