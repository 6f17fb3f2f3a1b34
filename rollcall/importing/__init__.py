"""What a bulk import reads and writes: lists of people, photos in folders and zips, reports."""
