"""python -m rnncli"""

from rnncli.cli import main

main()
