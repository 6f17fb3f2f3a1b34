"""Who is nearest? The faces of the database, held in memory."""
