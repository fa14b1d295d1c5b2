"""`python -m agent.cli` is `crm-agent`."""

import sys

from agent.cli.main import main

sys.exit(main())
