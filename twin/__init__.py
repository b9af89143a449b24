"""The digital twin of an air-cooled microfocus X-ray tube."""
