// What the server answers to objects that are sent to it.
package main

func recordAnswers(*server, string) error { return nil }
