"""What the flows' ports promise, held against the fakes and against the adapters over moto alike."""
