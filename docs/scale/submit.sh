#!/usr/bin/env bash
# Embeds one input by an array of SLURM jobs and merges what they made; prints both job ids.
#   submit.sh MODEL INPUT OUT JOBS [options of vp-tui embed]
# OUT.parts gets a folder per task, OUT the files of all of them. --array=1-N%20 lets 20 run at once.
set -euo pipefail

if (($# < 4)); then
    echo "usage: ${0##*/} MODEL INPUT OUT JOBS [options of vp-tui embed]" >&2
    exit 2
fi
model=$1 input=$2 out=${3%/} jobs=$4
shift 4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# a job id may be followed by the name of a cluster
array=$(sbatch --parsable --array="1-$jobs" "$here/embed.sbatch" "$model" "$input" "$out.parts" "$@")
merge=$(sbatch --parsable --dependency="afterok:${array%%;*}" "$here/merge.sbatch" "$out" "$out.parts")
echo "$array $merge"
