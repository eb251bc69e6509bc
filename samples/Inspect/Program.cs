// Looks at an index: see README.md beside this file.
using System.CommandLine;
using Inspect;
using Spectre.Console;

var folder = new Argument<string?>("folder")
{
    Description = "The folder that holds the index; without it, a small one is built in a temporary folder.",
    Arity = ArgumentArity.ZeroOrOne,
};
var name = new Argument<string>("name")
{
    Description = "The name of the index.",
    DefaultValueFactory = _ => "vectors",
};
var command = new RootCommand("Shows what an index consists of, verifies its checksums, and explains a search.") { folder, name };
command.SetAction((arguments, cancellationToken) =>
{
    IAnsiConsole console = CreateConsole();
    return arguments.GetValue(folder) is { } given
        ? Inspection.RunAsync(console, given, arguments.GetRequiredValue(name), cancellationToken)
        : Demonstration.RunAsync(console, cancellationToken);
});
return await command.Parse(args).InvokeAsync();

// Escape sequences are for a terminal, not for a file or another program.
static IAnsiConsole CreateConsole()
{
    if (!Console.IsOutputRedirected)
        return AnsiConsole.Console;
    IAnsiConsole console = AnsiConsole.Create(
        new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
    console.Profile.Width = 120;
    return console;
}
