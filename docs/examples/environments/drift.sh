#!/bin/sh
# Compares every environment with its definitions and writes nothing to a server. For a scheduler: the exit status is
# 0 if all match, and drift.json has the details. Arguments are passed to ansible-playbook.
set -eu
cd "$(dirname "$0")"
exec ansible-playbook -i inventory.yml mstr.library.apply --check \
  -e mstr_fail_on_drift=true -e mstr_report_dest=drift.json "$@"
