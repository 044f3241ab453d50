#!/bin/sh
# Applies the definitions to one stage after the other, and goes on only if all servers of a stage then match them.
# Arguments are passed to ansible-playbook.
set -eu
cd "$(dirname "$0")"
for stage in dev test prod; do
  ansible-playbook -i inventory.yml mstr.library.apply --limit "$stage" "$@"
  ansible-playbook -i inventory.yml mstr.library.apply --limit "$stage" --check -e mstr_fail_on_drift=true "$@"
done
