"""The whole night as one application: `spark-submit --py-files WHEEL deploy/submit_night.py --run-date D`."""

import sys

from cdp.cli import main

if __name__ == "__main__":
    main(["nightly", *sys.argv[1:]])
