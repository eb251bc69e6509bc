using System.Diagnostics;

namespace VectorEngine.Fuzz;

/// <summary>This program, started again: it may crash, hang or be killed without taking its parent with it.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    /// <param name="arguments">Its command line.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    public ChildProcess(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        string host = Environment.ProcessPath!, assembly = typeof(ChildProcess).Assembly.Location;
        // Started by "dotnet program.dll", this process is dotnet.
        bool framework = Path.GetFileNameWithoutExtension(host) == "dotnet";
        var start = new ProcessStartInfo(host, framework ? [assembly, .. arguments] : arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>The next line that it prints; null at its end.</summary>
    /// <exception cref="OperationCanceledException">It did not come in time.</exception>
    public async Task<string?> ReadLineAsync(TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        return await _process.StandardOutput.ReadLineAsync(limit.Token);
    }

    /// <summary>Completes when it has ended, or has closed its standard error.</summary>
    public Task Ended => _errors;

    /// <summary>Ends it at once (SIGKILL on Unix), if it has not ended.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code, and what it wrote to standard error.</returns>
    public async Task<(int Code, string Errors)> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return (_process.ExitCode, await _errors);
    }

    public void Dispose() => _process.Dispose();
}
