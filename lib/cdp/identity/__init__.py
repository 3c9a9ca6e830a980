"""Who is who: identifiers, the links between records, and the people they amount to."""
