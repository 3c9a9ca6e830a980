"""What the page of a night shows, as plain frozen data: a file for each part of it, with how rows become its facts."""
