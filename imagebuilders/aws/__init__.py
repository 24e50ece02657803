"""What all parts on AWS share: settings, clients, and what the services' errors mean."""
