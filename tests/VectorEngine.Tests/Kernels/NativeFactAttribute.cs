using VectorEngine.Kernels;

namespace VectorEngine.Tests.Kernels;

/// <summary>A test of the native library: skipped, with the reason, where no library is named; a library that is named must work.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NativeFactAttribute : FactAttribute
{
    public NativeFactAttribute()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(NativeFunctions.Variable)))
            Skip = $"Set {NativeFunctions.Variable} to the library that CMake builds from native/.";
    }
}
