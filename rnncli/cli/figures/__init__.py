"""What is drawn into files. matplotlib, the extra `plots`, is imported where a file is asked for."""
