// Semantic search over the .NET API documentation: see README.md beside this file.
using System.CommandLine;
using QuickStart;

var query = new Argument<string[]>("query")
{
    Description = "What to look for, in English. Without it, a few examples are answered, then what you type.",
    Arity = ArgumentArity.ZeroOrMore,
};
var folder = new Option<string>("--index")
{
    Description = "The folder that keeps the index; it is built when it is missing or belongs to another SDK.",
    HelpName = "FOLDER",
    DefaultValueFactory = _ => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create),
        "VectorEngine",
        "QuickStart"),
};
var command = new RootCommand("Finds .NET types and members by meaning.") { query, folder };
command.SetAction((arguments, cancellationToken) =>
    Terminal.RunAsync(arguments.GetRequiredValue(folder), string.Join(' ', arguments.GetRequiredValue(query)), cancellationToken));
return await command.Parse(args).InvokeAsync();
