module tandem.test/lab/container

go 1.26.0
