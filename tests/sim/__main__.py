import sys

from tests.sim.command import main

sys.exit(main())
